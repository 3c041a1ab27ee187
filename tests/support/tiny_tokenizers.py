"""Tokenizers with few merges in the styles of GPT-2, LLaMA and Gemma."""

import json
from collections.abc import Sequence
from functools import cache

from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors, trainers
from tokenizers.models import BPE
from transformers import PreTrainedTokenizerFast

TEXT = """What is the home of Mira? Mira lives in the red forest, near the old mill.
The home is the red forest. Who sails the boat? Tom sails it, and Anna helps him.

Passage: the boat is old; the mill is new.\n\nQuestion: what is new?\nuser: hello\nassistant: yes, the mill.
"""
WORDS = r"'s| ?[A-Za-z]+| ?[0-9]+| ?[^\sA-Za-z0-9]+|\s*[\r\n]+|\s+(?!\S)|\s+"  # as in Llama 3 and Qwen


@cache
def _byte_level() -> str:
    """BPE over bytes as in GPT-2, with merges such as " the" and two line ends."""
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(WORDS), "isolated"), pre_tokenizers.ByteLevel(False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=330, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator([TEXT * 3], trainer)
    return str(tokenizer.to_str())


@cache
def _pieces(prefix: bool) -> str:
    """BPE over characters with bytes as a fallback, a blank as `▁`: LLaMA's with `prefix`, Gemma's without."""
    known = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256))]
    tokenizer = Tokenizer(BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    blank = normalizers.Replace(" ", "▁")
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), blank] if prefix else [blank])
    tokenizer.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    trainer = trainers.BpeTrainer(vocab_size=420, special_tokens=known, show_progress=False)
    tokenizer.train_from_iterator([TEXT * 3], trainer)
    strip = [decoders.Strip(" ", 1, 0)] if prefix else []
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), *strip]
    )
    return json.dumps(json.loads(tokenizer.to_str()) | {"added_tokens": []})  # pieces and bytes are no special tokens


def tokenizer_of(
    kind: str,
    *,
    bos: str | None,
    eos: str,
    template: str | None,
    adds_bos: bool = False,
    pad: str | None = None,
    special: Sequence[str | AddedToken] = (),
) -> PreTrainedTokenizerFast:
    """Return a tokenizer of `kind` byte, llama or gemma; `adds_bos`: the tokenizer itself puts a BOS in front."""
    made = Tokenizer.from_str(_byte_level() if kind == "byte" else _pieces(kind == "llama"))
    made.add_special_tokens([token for token in dict.fromkeys([bos, eos, pad, *special]) if token])
    if adds_bos and bos:
        added = [(bos, made.token_to_id(bos))]
        made.post_processor = processors.TemplateProcessing(single=f"{bos} $A", special_tokens=added)
    named = {"bos_token": bos, "eos_token": eos, "pad_token": pad}
    fast = PreTrainedTokenizerFast(
        tokenizer_object=made,
        clean_up_tokenization_spaces=False,
        **{name: token for name, token in named.items() if token},
    )
    fast.chat_template = template
    return fast
