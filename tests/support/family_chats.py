"""Chats with the tiny models of six families, and what transformers' own `generate` answers to them."""

from pathlib import Path

import torch
from transformers import AutoModelForCausalLM

from reset.engines import Request
from reset.model.chat_frame import frame
from reset.model.prompts import CHAT, render
from reset.model.tokens import load_tokenizer, prompt_ids
from tests.support.families import FAMILIES

MOST = 16
HEADS = {"hidden_size": 64, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 32}  # that vLLM takes
GPT_2 = {"hidden_size": 64, "n_embd": 64, "num_attention_heads": 2, "n_head": 2}


def saved(folder: Path, name: str) -> Path:
    """Save a family's tiny model in the sizes that vLLM takes."""
    return FAMILIES[name].save(folder / name, **(GPT_2 if name == "gpt_2" else HEADS))


def asked(model: Path) -> list[Request]:
    """Prompts in the family's own template: what its tokenizer's ids of a whole conversation begin with."""
    tokenizer = load_tokenizer(model)
    chat = frame(tokenizer, CHAT)
    assert chat
    made = []
    for number, text in enumerate(("Where does Mira live? ", "Name a red thing.", "  Say it\nin one word.")):
        prompt = render({"instruction": text, "question": "", "passages": []}, CHAT)
        ids, _ = prompt_ids(tokenizer, prompt, 400, chat)
        turns = [{"role": "user", "content": text}, {"role": "assistant", "content": "By the mill."}]
        theirs = tokenizer.apply_chat_template(turns, return_dict=False)
        assert ids is not None and ids == theirs[: len(ids)]
        made.append(Request(str(number), tuple(ids), 0.0, 0, 0, MOST))
    return made


def generated(folder: Path, request: Request) -> list[int]:
    """The tokens that transformers' own `generate` answers greedily."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    ids = torch.tensor([request.token_ids])
    said = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=MOST, do_sample=False)
    answer: list[int] = said[0, ids.shape[1] :].tolist()
    return answer


def expected(folder: Path, request: Request) -> tuple[int, str]:
    """Number of tokens and text of the answer that `generate` gives."""
    said = generated(folder, request)
    return len(said), load_tokenizer(folder).decode(said, skip_special_tokens=True)
