"""How templates call what pages give them: phrases and functions at once, all else as Jinja does."""

from __future__ import annotations

from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any, Final

from jinja2.runtime import Context

from api.text.phrases import Words

# None of these takes the context.
_OURS: Final = frozenset({Words, partial, BuiltinFunctionType})
# By this mark of Jinja's `pass_context` and its kind, one of these does.
_FUNCTIONS: Final = frozenset({FunctionType, MethodType})
_MARK: Final = "jinja_pass_arg"


class QuickContext(Context):
    """A page says 300 phrases. What Jinja finds out about each function takes longer than the function."""

    def call(self, wanted: Any, *args: Any, **values: Any) -> Any:  # noqa: ANN401  (as in Jinja)
        """See `Context.call`."""
        kind = type(wanted)
        if kind in _OURS or (kind in _FUNCTIONS and not hasattr(wanted, _MARK)):
            if values:
                values.pop("_block_vars", None)
                values.pop("_loop_vars", None)
            return wanted(*args, **values)
        return super().call(wanted, *args, **values)
