"""The embedded micro world: a deterministic miniature of the paper's data, on which the whole line runs for real.

Facts are (entity, relation, value); texts state them, questions ask for them, and the world's own memory holds for
every entity facts of its own, which is what a model trained here will hallucinate from.
"""
