"""Sections on training: starting models, recipes, systems."""

from typing import Annotated, Any, Literal

from pydantic import Field

from reset.params.section import Rate, Section


class Base(Section):
    """A row of `base`: a starting model."""

    kind: str
    needs: str  # the file or folder that it is made from; DVC watches it
    options: dict[str, Any]


class TemplateOptions(Section):
    """What a model's own chat template is told beside the messages; see `reset.model.chat_frame.Options`."""

    system: str | None  # the system prompt; null: the template's own, if it has one
    arguments: dict[str, Any]


class Adapter(Section):
    """A LoRA adapter, trained instead of all weights; see `reset.model.adapters.Adapter`."""

    rank: int = Field(ge=1)
    alpha: float = Field(gt=0)
    dropout: float = Field(ge=0, lt=1)
    target_modules: list[str] = Field(min_length=1)
    quantise: Literal["none", "4bit"]
    merge: bool


class Merged(Adapter):
    """An adapter that is merged into the weights in the end, and therefore always a new one."""

    merge: Literal[True]


class Recipe(Section):
    """Options of every row of `recipes`; see `reset.training.recipe.Recipe`."""

    method: str
    adapter: Adapter | None  # null: all weights are trained
    learning_rate: float = Field(gt=0)
    epochs: float = Field(gt=0)
    batch_size: int = Field(ge=1)
    micro_batch_size: int = Field(ge=1)
    weight_decay: float = Field(ge=0)
    beta2: float = Rate
    warmup_ratio: float = Rate
    loss: Literal["token", "sequence"]
    eval_steps: int = Field(ge=1)
    zero_stage: int = Field(ge=0, le=3)
    dtype: Literal["auto", "bfloat16", "float32"]
    gradient_checkpointing: bool
    micro_batch_tokens: int | None = Field(ge=1)  # of a pass; null: a micro batch is one pass
    padding_free: bool  # packed batches instead of padded ones


class Supervised(Recipe):
    """Cross-entropy on the tokens of the response."""

    method: Literal["sft"]


class WeightedSupervised(Recipe):
    """Cross-entropy on the tokens of each response, times the row's weight."""

    method: Literal["weighted_sft"]


class Dpo(Recipe):
    """Direct preference optimisation; `loss: sequence` divides log-probabilities by the number of tokens."""

    method: Literal["dpo"]
    micro_batch_tokens: None  # not supported: TRL's losses do not add up over passes
    padding_free: Literal[False]
    adapter: Merged | None  # a new one on whole weights, which are the reference model while it is switched off
    beta: float = Field(gt=0)
    sft_weight: float = Field(ge=0)  # weight of the chosen response's cross-entropy, which is added to the loss


class Kto(Recipe):
    """Kahneman-Tversky optimisation; each device estimates the reference point from its own rows."""

    method: Literal["kto"]
    micro_batch_tokens: None  # not supported: TRL's losses do not add up over passes
    padding_free: Literal[False]
    adapter: None  # not supported: the reference model is a full copy of the starting model
    beta: float = Field(gt=0)
    desirable_weight: float = Field(gt=0)
    undesirable_weight: float = Field(gt=0)
    loss: Literal["token"]  # log-probabilities are summed over tokens
    micro_batch_size: int = Field(ge=2)


class System(Section):
    """A row of `systems`: a model to train."""

    init: str  # the starting model, a folder under models/
    data: str  # the training rows, a file under data/ without .parquet
    dev: str  # mixture whose dev rows choose the model
    recipe: str
    keep: list[Annotated[float, Field(gt=0, le=1)]]  # shares of the steps after which a checkpoint is kept


class Train(Section):
    """Options shared by all training runs."""

    max_tokens: int = Field(ge=8)
    processes: int = Field(ge=1)
    save_minutes: float = Field(ge=0)  # minutes between two checkpoints to resume from
    hostfile: str | None  # null: this machine only; see `reset.runs.launcher`
    max_cut: float = Rate  # share of training rows that may be cut or set aside to keep within max_tokens
    max_loss_rise: float = Field(gt=0)  # nats; see `reset.runs.divergence`
    loss_window: int = Field(ge=1)  # steps
