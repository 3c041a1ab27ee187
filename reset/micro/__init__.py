"""The embedded micro world: generated data in the roles of the paper's data sets, on which the whole pipeline runs.

A fact is (entity, relation, value). Passages state facts and questions ask for them. The world's memory holds one value
for every entity and relation: a model trained here learns these facts, and hallucinates from them where a passage says
something else. All texts are deterministic.
"""
