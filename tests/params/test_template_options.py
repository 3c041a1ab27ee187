"""What a chat template is told stands in params.yaml, and only where there is one."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from reset import params
from reset.errors import ResetError


@pytest.mark.parametrize(
    "told", [{"system": "Be brief.", "arguments": {}}, {"system": None, "arguments": {"a": False}}]
)
def test_options_are_for_a_model_s_own_chat_template(
    minimal: dict[str, Any], tmp_path: Path, told: dict[str, Any]
) -> None:
    path = tmp_path / "params.yaml"
    minimal["template_options"] = told
    path.write_text(yaml.safe_dump(minimal))
    with pytest.raises(ResetError, match="template_options are read for template 'chat' alone, but template is"):
        params.load(path)
    path.write_text(yaml.safe_dump(minimal | {"template": "chat"}))
    assert params.load(path).template_options.model_dump() == told
