"""Single tensor operations: what they write, and how they are run again into the same tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

UNSET = {
    torch.ops.aten.empty.memory_format,
    torch.ops.aten.empty_like.default,
    torch.ops.aten.empty_strided.default,
    torch.ops.aten.new_empty.default,
    torch.ops.aten.new_empty_strided.default,
}
"""Operations after which a tensor holds nothing yet."""
FILLS: dict[Any, Callable[[Sequence[Any]], Any]] = {
    torch.ops.aten.zeros.default: lambda arguments: 0.0,
    torch.ops.aten.new_zeros.default: lambda arguments: 0.0,
    torch.ops.aten.zeros_like.default: lambda arguments: 0.0,
    torch.ops.aten.ones.default: lambda arguments: 1.0,
    torch.ops.aten.new_ones.default: lambda arguments: 1.0,
    torch.ops.aten.ones_like.default: lambda arguments: 1.0,
    torch.ops.aten.full.default: lambda arguments: arguments[1],
    torch.ops.aten.new_full.default: lambda arguments: arguments[2],
    torch.ops.aten.full_like.default: lambda arguments: arguments[1],
}
"""Operations that fill a tensor with a number, and which."""
_COPIES = {torch.ops.aten.clone.default, torch.ops.aten._to_copy.default}


def again(function: Any, arguments: Sequence[Any], options: dict[str, Any], outputs: Sequence[Tensor]) -> Any:
    """A call that computes the outputs again, into the same tensors."""
    if function in FILLS:
        value, (output,) = FILLS[function](arguments), outputs
        return lambda: output.fill_(value)
    if function in _COPIES:
        source, (output,) = arguments[0], outputs
        return lambda: output.copy_(source)
    if len(outputs) == 1:
        quick = _into(function, arguments, options, outputs[0])
        if quick is not None:
            return quick

    def general() -> None:
        results = function(*arguments, **options)
        for target, value in zip(outputs, tree_leaves(results), strict=True):
            target.copy_(value)

    return general


def _into(function: Any, arguments: Sequence[Any], options: dict[str, Any], output: Tensor) -> Any:
    """A call by torch's own Python function with `out=`, where it has one and that gives the same."""
    name = function._schema.name.removeprefix("aten::")
    native = getattr(torch, name, None)
    if native is None or is_random(function) or not output.is_contiguous():
        return None
    scratch = torch.empty_like(output)
    try:
        with torch.no_grad():
            native(*arguments, **options, out=scratch)
    except (TypeError, RuntimeError):
        return None
    if scratch.shape != output.shape or not torch.equal(bits(scratch), bits(output)):
        return None
    return bound(native, arguments, {**options, "out": output})


QUICK = {
    torch.ops.aten.bmm.out: torch.bmm,
    torch.ops.aten.cat.out: torch.cat,
    torch.ops.aten.baddbmm_.default: Tensor.baddbmm_,
    torch.ops.aten.copy_.default: Tensor.copy_,
    torch.ops.aten.fill_.Scalar: Tensor.fill_,
    torch.ops.aten.zero_.default: Tensor.zero_,
    torch.ops.aten.add_.Tensor: Tensor.add_,
    torch.ops.aten.mul_.Tensor: Tensor.mul_,
    torch.ops.aten._foreach_add_.Scalar: torch._foreach_add_,
    torch.ops.aten._fused_adam_.tensor_lr: torch._fused_adam_,
    torch.ops.aten._fused_adamw_.tensor_lr: torch._fused_adamw_,
}
"""Operations in place, as torch's own Python functions: the same, called in less time."""


_INTEGERS = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


def bits(tensor: Tensor) -> Tensor:
    """As integers, of which those of NaN are equal too."""
    return tensor.view(_INTEGERS.get(tensor.element_size(), torch.int8))


def bound(function: Any, arguments: Sequence[Any], options: dict[str, Any]) -> Callable[[], Any]:
    positional = tuple(arguments)
    if options:
        return lambda: function(*positional, **options)
    return lambda: function(*positional)


def written_by(function: Any, arguments: Sequence[Any], options: dict[str, Any]) -> tuple[Tensor, ...]:
    """The arguments that an operation changes in place."""
    changed: list[Tensor] = []
    for place, argument in enumerate(function._schema.arguments):
        if argument.alias_info is not None and argument.alias_info.is_write:
            value = arguments[place] if place < len(arguments) else options.get(argument.name)
            changed += [leaf for leaf in tree_leaves(value) if isinstance(leaf, Tensor)]
    return tuple(changed)


def is_random(function: Any) -> bool:
    return torch.Tag.nondeterministic_seeded in function.tags


def storage_of(tensor: Tensor) -> int:
    return tensor.untyped_storage()._cdata


def shares(tensor: Tensor, others: Sequence[Tensor]) -> bool:
    return any(storage_of(tensor) == storage_of(other) for other in others)
