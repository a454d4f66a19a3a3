"""Keras classes: the one-cycle learning-rate schedule and the optimizer Muon. Imports Keras."""

import math
from typing import Any

import keras
from keras import ops

__all__ = ["Muon", "OneCycleSchedule"]

# Coefficients of the quintic Newton-Schulz iteration: Jordan et al., Muon (2024), "Newton-Schulz". With others it does
# not bring singular values near 1, which tests/trainer/test_trainer.py measures.
_NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)


class OneCycleSchedule(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """The schedule of :class:`lenetkit.trainer.OneCycle` for a known number of steps."""

    def __init__(self, peak: float, warmup: float, start: float, shape: str, steps: int) -> None:
        super().__init__()
        self.peak, self.warmup, self.start, self.shape, self.steps = peak, warmup, start, shape, steps

    def __call__(self, step: Any) -> Any:
        """Return the rate of a step, counted from 0."""
        step = ops.cast(step, "float32")
        rising = max(1, round(self.warmup * self.steps))
        rise = self.start + (1 - self.start) * step / rising
        progress = ops.clip((step - rising) / max(1, self.steps - rising), 0.0, 1.0)
        fall = (1 + ops.cos(math.pi * progress)) / 2 if self.shape == "cosine" else 1 - progress
        return self.peak * ops.where(step < rising, rise, fall)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {name: getattr(self, name) for name in ("peak", "warmup", "start", "shape", "steps")}


class Muon(keras.optimizers.Optimizer):  # type: ignore[misc]
    """Orthogonalised momentum for the inner weight matrices, Adam for the output layer and all vectors.

    Jordan et al., Muon: an optimizer for hidden layers in neural networks (2024). Keras' own ``Muon`` leaves
    convolution kernels to Adam; here they are matrices too, (height * width * channels in, channels out).

    Parameters
    ----------
    learning_rate, momentum, weight_decay
        Of the matrices; the momentum is Nesterov's, the weight decay decoupled.
    adam_ratio : float, default 0.1
        Adam's rate as a fraction of `learning_rate`.
    beta_1, beta_2, epsilon : float
        Adam's.
    newton_schulz_steps : int, default 5
        Steps of the iteration that orthogonalises.
    """

    def __init__(
        self,
        learning_rate: Any = 0.02,
        adam_ratio: float = 0.1,
        momentum: float = 0.95,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        epsilon: float = 1e-7,
        newton_schulz_steps: int = 5,
        weight_decay: float | None = None,
        name: str = "muon",
        **options: Any,
    ) -> None:
        super().__init__(learning_rate=learning_rate, weight_decay=weight_decay, name=name, **options)
        self.adam_ratio, self.momentum, self.newton_schulz_steps = adam_ratio, momentum, newton_schulz_steps
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def build(self, variables: list[Any]) -> None:
        """Create the state for these variables."""
        if self.built:
            return
        matrices = [variable for variable in variables if len(variable.shape) >= 2][:-1]  # the last is the output's
        vectors = [variable for variable in variables if all(variable is not matrix for matrix in matrices)]
        self.exclude_from_weight_decay(vectors)
        super().build(variables)
        self._first = self.add_optimizer_variables(variables, "momentum")
        states = self.add_optimizer_variables(vectors, "velocity")
        # Only what Adam updates has a second moment.
        self._second = dict(zip(map(self._get_variable_index, vectors), states, strict=True))

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable."""
        rate, gradient = (ops.cast(value, variable.dtype) for value in (learning_rate, gradient))
        index = self._get_variable_index(variable)
        first = self._first[index]
        if index in self._second:
            self._update_vector(gradient, variable, rate * self.adam_ratio, first, self._second[index])
        else:
            self.assign(first, self.momentum * first + gradient)
            self._update_matrix(gradient + self.momentum * first, variable, rate)

    def _update_matrix(self, direction: Any, variable: Any, rate: Any) -> None:
        *below, columns = variable.shape
        rows = math.prod(below)
        orthogonal = self._orthogonal(ops.reshape(direction, (rows, columns)), transposed=rows > columns)
        scale = math.sqrt(max(1.0, rows / columns))
        self.assign_sub(variable, rate * scale * ops.reshape(orthogonal, variable.shape))

    def _orthogonal(self, matrix: Any, *, transposed: bool) -> Any:
        """Bring all singular values near 1, multiplying the smaller of the two squares."""
        a, b, c = _NEWTON_SCHULZ
        x = ops.transpose(matrix) if transposed else matrix
        x = x / (ops.sqrt(ops.sum(x * x)) + self.epsilon)
        for _ in range(self.newton_schulz_steps):
            square = x @ ops.transpose(x)
            x = a * x + (b * square + c * square @ square) @ x
        return ops.transpose(x) if transposed else x

    def _update_vector(self, gradient: Any, variable: Any, rate: Any, first: Any, second: Any) -> None:
        step = ops.cast(self.iterations + 1, variable.dtype)
        correction = ops.sqrt(1 - ops.power(self.beta_2, step)) / (1 - ops.power(self.beta_1, step))
        self.assign(first, first + (gradient - first) * (1 - self.beta_1))
        self.assign(second, second + (gradient * gradient - second) * (1 - self.beta_2))
        self.assign_sub(variable, rate * correction * first / (ops.sqrt(second) + self.epsilon))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        names = ("adam_ratio", "momentum", "beta_1", "beta_2", "epsilon", "newton_schulz_steps")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
