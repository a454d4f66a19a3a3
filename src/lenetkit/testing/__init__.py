"""The contract of models, data sets and transforms, as functions and as a pytest parametrisation.

In: the name of something registered, a built-in or a plug-in. Out: nothing, or a
:class:`~lenetkit.exceptions.ContractError` that names the broken promise. Next: the tests of its author::

    from lenetkit.testing import parametrize_with_checks

    @parametrize_with_checks(models=["my_model"], datasets=["my_digits"], transforms=["my_blur"])
    def test_contract(name, check):
        check(name)

lenetkit tests everything that it registers itself with the same checks.
"""

from lenetkit.testing._checks import check_dataset, check_model, check_transform, parametrize_with_checks

__all__ = ["check_dataset", "check_model", "check_transform", "parametrize_with_checks"]
