"""What a model asked a tool for, checked before anything is read."""

from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from bot.ports import CannotRead


class Arguments(BaseModel):
    """Arguments of one tool: unknown names are refused, as are wrong values."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def of(cls, given: Mapping[str, object]) -> Self:
        """Return the checked arguments; raise `CannotRead` naming what is wrong."""
        try:
            return cls.model_validate(dict(given))
        except ValidationError as error:
            wrong = "; ".join(
                f"{'.'.join(map(str, found['loc']))}: {found['msg']}"
                for found in error.errors(include_input=False, include_url=False)[:5]
            )
            raise CannotRead(f"wrong arguments: {wrong}"[:500]) from error
