"""Tied weights: parameters that a model has under several names, such as an output layer that is the embedding."""

from typing import Any

from reset.errors import ResetError


def require_untied(adapted: Any) -> None:
    """Raise `ResetError` if an adapter is put on weights that stand in two places: merged, it would change both."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    model = adapted.get_base_model()
    owners: dict[int, list[str]] = {}
    for name, weights in model.named_parameters(remove_duplicate=False):
        owners.setdefault(id(weights), []).append(name.replace(".base_layer", ""))
    for module in model.modules():
        if isinstance(module, BaseTunerLayer):
            for weights in module.get_base_layer().parameters():
                if len(names := owners[id(weights)]) > 1:
                    raise ResetError(
                        f"adapter.target_modules: {' and '.join(names)} are the same weights (tied), so the merged "
                        "model would be another one than was trained; leave them out"
                    )
