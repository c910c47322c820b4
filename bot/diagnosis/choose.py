"""Which model is asked: what the file says, with the keys that the environment holds."""

import logging

from bot.config.environment import Environment
from bot.config.model import Model
from bot.diagnosis.compatible import CompatibleProvider
from bot.diagnosis.gemini import GeminiProvider
from bot.diagnosis.provider import Provider
from bot.llm.genai import Genai

log = logging.getLogger(__name__)


def diagnosing(section: Model, env: Environment) -> Provider | None:
    """Return the model that explains incidents; None where the rules do it alone."""
    return _provider(section, env, section.name)


def criticising(section: Model, env: Environment) -> Provider | None:
    """Return the model that reads the policy; None where nobody does."""
    if not section.critic.enabled:
        return None
    return _provider(section, env, section.critic.name or section.name)


def _provider(section: Model, env: Environment, name: str) -> Provider | None:
    match section.provider or ("gemini" if env.gemini_key else "none"):
        case "gemini" if env.gemini_key is None:
            log.warning("model.off reason=GEMINI_API_KEY is not set")
            return None
        case "gemini":
            base_url = section.base_url or env.gemini_base_url
            genai = Genai(env.gemini_key or "", base_url=base_url)
            return GeminiProvider(genai, model=name, thinking=section.thinking)
        case "openai":
            base_url = section.base_url or env.openai_base_url
            return CompatibleProvider(model=name, key=env.openai_key, base_url=base_url)
        case _:
            return None
