"""Sections on training: starting models, recipes, systems."""

from typing import Annotated, Any, Literal

from pydantic import Field

from reset.params.section import Rate, Section

PREFERENCES = ("dpo", "kto")  # methods that train whole answers, held to a reference model


class Base(Section):
    """A row of `base`: a starting model."""

    kind: str  # how the model is made: a row of the table `BASES`
    needs: str  # the file or folder that it is made from; DVC watches it
    options: dict[str, Any]  # of the kind: see Plug-ins


class TemplateOptions(Section):
    """What a model's own chat template is told beside the messages; see `reset.model.chat_frame.Options`."""

    system: str | None  # the system prompt; null: the template's own, if it has one
    arguments: dict[str, Any]  # of the chat template, such as {enable_thinking: false}


class Adapter(Section):
    """A LoRA adapter, trained instead of all weights; see `reset.model.adapters.Adapter`."""

    rank: int = Field(ge=1)  # of the two matrices that are added to a layer
    alpha: float = Field(gt=0)  # the adapter's output is scaled by alpha / rank
    dropout: float = Field(ge=0, lt=1)  # share of the adapter's inputs that is dropped in training
    target_modules: list[str] = Field(min_length=1)  # as in peft; [all-linear]: every linear layer but the output
    quantise: Literal["none", "4bit"]  # precision of the frozen weights during training
    merge: bool  # whether the finished adapter is merged into the weights


class Merged(Adapter):
    """An adapter that is merged into the weights in the end, and therefore always a new one."""

    merge: Literal[True]  # always: the adapter is merged into the weights


class Recipe(Section):
    """Options of every row of `recipes`; see `reset.training.recipe.Recipe`."""

    method: str  # how a row trains the model: a row of the table `METHODS`
    adapter: Adapter | None  # null: all weights are trained
    learning_rate: float = Field(gt=0)  # AdamW's, at its highest
    epochs: float = Field(gt=0)  # passes over the training rows
    batch_size: int = Field(ge=1)  # rows of a step, over all devices
    micro_batch_size: int = Field(ge=1)  # rows per device and forward pass
    weight_decay: float = Field(ge=0)  # AdamW's
    beta2: float = Rate  # AdamW's, of the second moment
    warmup_ratio: float = Rate  # share of the steps in which the learning rate rises; it falls as a cosine after that
    loss: Literal["token", "sequence"]  # mean over the tokens of a batch, or over its rows of each row's mean
    eval_steps: int = Field(ge=1)  # steps between two readings of the dev loss, and between two checkpoints
    zero_stage: int = Field(ge=0, le=3)  # DeepSpeed's; splits 1 optimizer states, 2 gradients too, 3 weights too
    dtype: Literal["auto", "bfloat16", "float32"]  # of a pass; auto: bfloat16 where the device has it
    gradient_checkpointing: bool  # whether activations are computed again in the backward pass, to save memory
    micro_batch_tokens: int | None = Field(ge=1)  # most tokens of a pass; null: a micro batch is one pass
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
    padding_free: Literal[False]  # not supported
    adapter: Merged | None  # a new one on whole weights, which are the reference model while it is switched off
    beta: float = Field(gt=0)  # strength of the KL penalty to the starting model
    sft_weight: float = Field(ge=0)  # weight of the chosen response's cross-entropy, which is added to the loss


class Kto(Recipe):
    """Kahneman-Tversky optimisation; each device estimates the reference point from its own rows."""

    method: Literal["kto"]
    micro_batch_tokens: None  # not supported: TRL's losses do not add up over passes
    padding_free: Literal[False]  # not supported
    adapter: None  # not supported: the reference model is a full copy of the starting model
    beta: float = Field(gt=0)  # strength of the KL penalty to the starting model
    desirable_weight: float = Field(gt=0)  # loss weight of desirable answers
    undesirable_weight: float = Field(gt=0)  # loss weight of undesirable answers
    loss: Literal["token"]  # log-probabilities are summed over tokens
    micro_batch_size: int = Field(ge=2)  # rows per device and forward pass; the reference point needs two


class System(Section):
    """A row of `systems`: a model to train."""

    init: str  # the starting model, a folder under models/
    data: str  # the training rows, a file under data/ without .parquet
    dev: str  # mixture whose dev rows choose the model
    recipe: str  # row of `recipes`
    keep: list[Annotated[float, Field(gt=0, le=1)]]  # shares of the steps after which a checkpoint is kept


class Interpolated(Section):
    """A row of `interpolated`: a system that is the weighted mean of two models' weights; see `reset.interpolation`."""

    init: str  # the first model, a folder under models/; its tokenizer, configuration and dtype are kept
    other: str  # the second model
    weight: float = Field(gt=0, lt=1)  # of the second model; the first has the rest


class Train(Section):
    """Options shared by all training runs."""

    max_tokens: int = Field(ge=8)  # of a training row; the context of a longer one is cut, or the row is set aside
    processes: int = Field(ge=1)  # on this machine; one per GPU
    save_minutes: float = Field(ge=0)  # minutes between two checkpoints to resume from
    hostfile: str | None  # null: this machine only; see `reset.runs.launcher`
    max_cut: float = Rate  # share of training rows that may be cut or set aside to keep within max_tokens
    max_loss_rise: float = Field(gt=0)  # nats above the lowest mean loss; see `reset.runs.divergence`
    loss_window: int = Field(ge=1)  # steps over which the loss is averaged
