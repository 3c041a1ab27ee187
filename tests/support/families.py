"""Tiny random models in the styles of model families: configuration, tokenizer and chat template of each."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken
from transformers import CONFIG_MAPPING, AutoModelForCausalLM, PreTrainedTokenizerFast

from tests.support import chat_templates as templates
from tests.support.tiny_tokenizers import tokenizer_of

END = "<|endoftext|>"
SIZES = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "initializer_range": 0.3,  # far from uniform, so that greedy answers differ between prompts
}

VISION = {  # of the part that reads images, which nothing here asks
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 28,
    "patch_size": 14,
}


@dataclass(frozen=True)
class Family:
    """How a family's tiny model is made; `config` holds what differs from `SIZES`."""

    model_type: str
    tokenizer: Callable[[], PreTrainedTokenizerFast]
    config: dict[str, Any] = field(default_factory=dict)
    images: bool = False  # whether it reads images too: the sizes of the language model are then in `text_config`

    def configuration(self, **changed: Any) -> Any:
        """Return the configuration of the tiny model; `changed` are values of its language model."""
        tokenizer = self.tokenizer()
        ids = {f"{name}_token_id": getattr(tokenizer, f"{name}_token_id") for name in ("bos", "eos", "pad")}
        sizes = {**SIZES, "vocab_size": len(tokenizer), **ids, **self.config, **changed}
        nested = {"text_config": sizes, "vision_config": VISION, **ids}
        return CONFIG_MAPPING[self.model_type](**(nested if self.images else sizes))

    def save(self, folder: Path, **changed: Any) -> Path:
        """Save a random model and its tokenizer in `folder`."""
        with torch.random.fork_rng():
            torch.manual_seed(0)
            model = AutoModelForCausalLM.from_config(self.configuration(**changed), dtype=torch.float32)
        model.save_pretrained(folder)
        self.tokenizer().save_pretrained(folder)
        return folder


def _gpt_2(template: str | None = None) -> Callable[[], PreTrainedTokenizerFast]:
    return lambda: tokenizer_of("byte", bos=END, eos=END, template=template)


def _chatml(template: str = templates.CHATML, bos: str | None = None) -> Callable[[], PreTrainedTokenizerFast]:
    return lambda: tokenizer_of(
        "byte", bos=bos, eos="<|im_end|>", pad=END, template=template, special=["<|im_start|>", "<|im_end|>"]
    )


def _llama(template: str, *special: str, kind: str = "llama") -> Callable[[], PreTrainedTokenizerFast]:
    return lambda: tokenizer_of(kind, bos="<s>", eos="</s>", adds_bos=True, template=template, special=special)


def _gemma() -> PreTrainedTokenizerFast:
    turns = ["<start_of_turn>", "<end_of_turn>"]
    return tokenizer_of(
        "gemma", bos="<bos>", eos="<eos>", pad="<pad>", adds_bos=True, template=templates.GEMMA, special=turns
    )


def _phi_3() -> PreTrainedTokenizerFast:
    named = ("<|user|>", "<|assistant|>", "<|system|>", "<|end|>")
    turns = [AddedToken(name, rstrip=True, special=True) for name in named]  # which take the blanks behind them
    return tokenizer_of("llama", bos="<s>", eos=END, pad=END, adds_bos=True, template=templates.PHI_3, special=turns)


def _granite() -> PreTrainedTokenizerFast:
    end, roles = "<|end_of_text|>", ["<|start_of_role|>", "<|end_of_role|>"]
    return tokenizer_of("byte", bos=end, eos=end, pad=end, template=templates.GRANITE, special=roles)


def _opt() -> PreTrainedTokenizerFast:
    return tokenizer_of("byte", bos="</s>", eos="</s>", pad="<pad>", adds_bos=True, template=templates.PLAIN)


_GPT_2 = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 512}
_SLIDING = {"head_dim": 8, "sliding_window": 16, "layer_types": ["sliding_attention", "full_attention"]}
_EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16}
_LINEAR = {
    "head_dim": 8,
    "layer_types": ["linear_attention", "full_attention"],
    **{f"linear_num_{name}_heads": heads for name, heads in (("key", 2), ("value", 4))},
    **{f"linear_{name}_head_dim": 8 for name in ("key", "value")},
}
_MAMBA = {"mamba_n_heads": 4, "mamba_d_state": 8, "mamba_n_groups": 1}

FAMILIES = {
    "gpt_2": Family("gpt2", _gpt_2(templates.PLAIN), _GPT_2),
    "opt": Family("opt", _opt, {"ffn_dim": 64, "word_embed_proj_dim": 32}),
    "pythia": Family("gpt_neox", _gpt_2(templates.PLAIN)),
    "phi_2": Family("phi", _gpt_2(templates.PLAIN)),
    "mpt": Family("mpt", _gpt_2(templates.PLAIN), {"d_model": 32, "n_heads": 4, "n_layers": 2, "max_seq_len": 512}),
    "stablelm": Family("stablelm", _gpt_2(templates.OLMO_2)),
    "smollm_2": Family("llama", _gpt_2(templates.PLAIN), {"tie_word_embeddings": True}),
    "smollm_2_instruct": Family("llama", _chatml(templates.KIND, bos="<|im_start|>"), {"tie_word_embeddings": True}),
    "granite": Family("granite", _granite),
    "olmo_2": Family("olmo2", _gpt_2(templates.OLMO_2)),
    "phi_3": Family("phi3", _phi_3),
    "qwen_2": Family("qwen2", _chatml()),
    "qwen_3": Family("qwen3", _chatml(templates.QWEN_3), {"head_dim": 8}),
    "r1_distillate": Family("llama", _llama(templates.R1_DISTILLATE, "<|User|>", "<|Assistant|>", kind="byte")),
    "llama_2": Family("llama", _llama(templates.LLAMA_2)),
    "llama_3": Family(
        "llama", _llama(templates.LLAMA_3, "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", kind="byte")
    ),
    "vicuna": Family("llama", _llama(templates.VICUNA)),
    "gemma_3": Family("gemma3_text", _gemma, _SLIDING),
    "gemma_3_images": Family("gemma3", _gemma, _SLIDING, images=True),
    "gemma_4_images": Family(
        "gemma4",
        _gemma,
        {**_SLIDING, "vocab_size_per_layer_input": 512, "hidden_size_per_layer_input": 8, "num_kv_shared_layers": 0},
        images=True,
    ),
    "mixtral": Family("mixtral", _llama(templates.LLAMA_2), {"num_local_experts": 4, "head_dim": 8}),
    "qwen_3_next": Family("qwen3_next", _chatml(), {**_LINEAR, **_EXPERTS, "shared_expert_intermediate_size": 16}),
    "qwen_3_5": Family("qwen3_5", _chatml(templates.QWEN_3), _LINEAR, images=True),
    "lfm_2": Family("lfm2", _chatml(), {"layer_types": ["conv", "full_attention"]}),
    "granite_hybrid": Family(
        "granitemoehybrid",
        _granite,
        {**_MAMBA, "layer_types": ["mamba", "attention"], "mamba_d_head": 16, "num_local_experts": 2},
    ),
    "falcon_h1": Family("falcon_h1", _chatml(), {**_MAMBA, "mamba_d_head": 8, "mamba_d_ssm": 32}),
    "mamba": Family("mamba", _gpt_2(templates.PLAIN), {"state_size": 8}),
    "mamba_2": Family(
        "mamba2", _gpt_2(templates.PLAIN), {"state_size": 8, "num_heads": 8, "head_dim": 8, "n_groups": 1}
    ),
    "rwkv": Family("rwkv", _gpt_2(templates.PLAIN), {"attention_hidden_size": 32}),
}
