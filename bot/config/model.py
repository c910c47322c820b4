"""What a team decides about the language model: the `model:` section of the file.

Keys never stand here; they come from the environment (`bot.config.environment.Environment`).
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from bot.config.section import Section

Provider = Literal["gemini", "openai", "none"]
Thinking = Literal["minimal", "low", "medium", "high"]
ModelName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,99}$")]
BaseUrl = Annotated[str, Field(pattern=r"^https?://[^\s@]+$", max_length=500)]


class Budget(Section):
    """What one diagnosis, and one day of them, may cost at most.

    rounds: questions to the model for one diagnosis. tokens: in and out together.
    seconds: from the first question to the answer. dollars_per_incident,
    dollars_per_day: as counted by `bot/llm/costs.py`, a UTC day.
    """

    rounds: Annotated[int, Field(ge=1, le=20)] = 4
    tokens: Annotated[int, Field(ge=1000, le=2_000_000)] = 30_000
    seconds: Annotated[float, Field(gt=0, le=600)] = 30
    dollars_per_incident: Annotated[float, Field(ge=0, le=1000)] = 0.05
    dollars_per_day: Annotated[float, Field(ge=0, le=100_000)] = 5


class Critic(Section):
    """A second pass that reads the written policy and may only object.

    name: its model; without one, the diagnosing model reads the policy too.
    """

    enabled: bool = False
    name: ModelName | None = None


class Model(Section):
    """Which language model explains incidents, if any.

    provider: without the key, gemini where its API key is in the environment, else
    none. openai: any server that speaks OpenAI's API (the optional package `openai`).
    name: the model; needed for openai. base_url: wins over the environment's.
    """

    provider: Provider | None = None
    name: ModelName = "gemini-3.8-flash"
    thinking: Thinking = "low"
    base_url: BaseUrl | None = None
    critic: Critic = Critic()
    budget: Budget = Budget()

    @model_validator(mode="after")
    def _names_its_model(self) -> Self:
        if self.provider == "openai" and "name" not in self.model_fields_set:
            raise ValueError("name is needed with provider openai")
        return self
