"""Hooks of MkDocs (mkdocs.yml): the generated pages, and the drawing of the line inside its page."""

import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # MkDocs loads this file by its path

from docs.generate import commands, params, plugins, tables  # noqa: E402


def pages() -> dict[str, str]:
    """Return all generated pages by their path in the site."""
    return {**params.pages(ROOT / "conf"), **plugins.pages(), **commands.pages(), **tables.pages()}


def on_files(files: Any, config: Any) -> Any:
    """Add the generated pages."""
    from mkdocs.structure.files import File

    for path, text in pages().items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_content(html: str, **_: Any) -> str:
    """Put a drawing into the page itself, where it takes the colour of the text, light or dark."""
    return re.sub(r'<img [^>]*src="([\w./-]+\.svg)"[^>]*>', lambda found: _drawing(found[1]), html)


def _drawing(source: str) -> str:
    return (ROOT / "docs" / Path(source).name).read_text(encoding="utf-8")
