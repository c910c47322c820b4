"""A part of the configuration file, as every module that declares one begins it."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A part of the file: fixed once read, unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
