import torch

from reset.engines.transformers.next_token import choose, uniform


def chosen(logits, *, temperature, top_k, count=20_000):
    rows = torch.tensor(logits).repeat(count, 1)
    numbers = uniform(torch.arange(count), 3)
    picked = choose(rows, torch.full((count,), temperature), torch.full((count,), top_k), numbers)
    return torch.bincount(picked, minlength=len(logits)) / count


def test_random_numbers_are_even_over_seeds_and_over_steps():
    over_seeds = uniform(torch.arange(100_000), 0)
    over_steps = torch.cat([uniform(torch.tensor([7, 2**31 - 1]), step) for step in range(5_000)])
    for numbers in (over_seeds, over_steps):
        assert float(numbers.min()) >= 0 and float(numbers.max()) < 1
        shares = torch.histc(numbers.float(), bins=10, min=0, max=1) / len(numbers)
        assert torch.allclose(shares, torch.full((10,), 0.1), atol=0.01)


def test_random_numbers_of_neighbouring_seeds_and_steps_are_unrelated():
    here, next_seed = uniform(torch.arange(50_000), 0), uniform(torch.arange(1, 50_001), 0)
    next_step = uniform(torch.arange(50_000), 1)
    for other in (next_seed, next_step):
        assert abs(float(torch.corrcoef(torch.stack([here, other]))[0, 1])) < 0.02


def test_a_random_number_depends_on_its_own_seed_and_step_alone():
    together = uniform(torch.tensor([5, 6, 7]), 9)
    assert together.tolist() == [float(uniform(torch.tensor([seed]), 9)[0]) for seed in (5, 6, 7)]


def test_tokens_come_as_often_as_the_tempered_distribution_says():
    logits = [2.0, 1.0, 0.0, -1.0]
    expected = (torch.tensor(logits) / 0.5).softmax(0)
    assert torch.allclose(chosen(logits, temperature=0.5, top_k=0), expected, atol=0.01)


def test_top_k_leaves_only_the_k_likeliest_tokens():
    logits = [0.0, 2.0, -1.0, 1.0]
    expected = torch.tensor([0.0, *torch.tensor([2.0, 1.0]).softmax(0).tolist()])
    assert torch.allclose(chosen(logits, temperature=1.0, top_k=2), expected[[0, 1, 0, 2]], atol=0.01)


def test_a_top_k_beyond_the_vocabulary_leaves_all_tokens():
    assert bool((chosen([0.0, 0.1, 0.2], temperature=1.0, top_k=100) > 0.2).all())


def test_settings_mix_in_one_batch():
    logits = torch.tensor([[0.0, 3.0, 1.0]] * 3)
    picked = choose(logits, torch.tensor([0.0, 1.0, 1.0]), torch.tensor([0, 1, 0]), torch.tensor([0.99, 0.99, 0.99]))
    assert picked.tolist() == [1, 1, 2]
