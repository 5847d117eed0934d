"""The APIs that `llmproxy run` knows, and the variables by which their clients are told where to ask.

Each variable was read in the source of the clients that are named with it (November 2026); docs/run.md lists them all.
Read by `routes.py`.
"""

from __future__ import annotations

from attrs import frozen


@frozen
class Variable:
    """It holds a base URL. ``path``: what its clients expect behind the host of a home without a path."""

    name: str
    read_by: str
    path: str = ""


@frozen
class Provider:
    """One API. ``name``: of its upstream; ``home``: its base URL, empty where only the environment can name it.

    ``{region}`` in the home is that of AWS. ``keys``: of each group, clients need one variable that is set.
    """

    name: str
    home: str
    variables: tuple[Variable, ...]
    keys: tuple[tuple[str, ...], ...] = ()


# What clients ask of others than an API as soon as they are imported, and how they are told to take what they have.
STAY_HOME = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",  # it decides on a header, so recordings hang on it too
}
# Where botocore finds credentials besides a key pair; one that is placed in the environment would go before them.
_AWS_KEYS = (
    "AWS_BEARER_TOKEN_BEDROCK",
    "AWS_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)

# Homes that are the built-in dialects' own (`core/dialects`) are written as there: recordings are found by them.
# A home with a path serves clients that send that path and clients that leave it out, see `Upstream.target`.
PROVIDERS = (
    Provider(
        "openai",
        "https://api.openai.com/v1",
        (
            Variable("OPENAI_BASE_URL", "openai (Python, Node), openai-agents, @ai-sdk/openai, litellm", "/v1"),
            Variable("OPENAI_API_BASE", "langchain-openai, litellm", "/v1"),
        ),
        (("OPENAI_API_KEY",),),
    ),
    Provider(
        "anthropic",
        "https://api.anthropic.com",
        (
            Variable("ANTHROPIC_BASE_URL", "anthropic (Python, Node), litellm"),
            Variable("ANTHROPIC_API_URL", "langchain-anthropic"),
            Variable("ANTHROPIC_API_BASE", "litellm"),
        ),
        (("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"),),
    ),
    Provider(
        "google",
        "https://generativelanguage.googleapis.com",
        (
            Variable("GOOGLE_GEMINI_BASE_URL", "google-genai (Python, Node)"),
            Variable("GEMINI_API_BASE", "litellm", "/v1beta"),
        ),
        (("GEMINI_API_KEY", "GOOGLE_API_KEY"), ("GOOGLE_GENERATIVE_AI_API_KEY",)),
    ),
    Provider(
        "vertex-claude",
        "",  # the host follows from the region, which may stand in the program
        (
            Variable("ANTHROPIC_VERTEX_BASE_URL", "anthropic (AnthropicVertex)", "/v1"),
            Variable("GOOGLE_VERTEX_BASE_URL", "google-genai (Python, Node)"),
        ),
    ),
    Provider(
        "azure",
        "",  # the host is the customer's own
        (
            Variable("AZURE_OPENAI_ENDPOINT", "openai (AzureOpenAI), langchain-openai, pydantic-ai"),
            Variable("AZURE_API_BASE", "litellm"),
        ),
        (("AZURE_OPENAI_API_KEY", "AZURE_OPENAI_AD_TOKEN"),),
    ),
    Provider(
        "bedrock",
        "https://bedrock-runtime.{region}.amazonaws.com",
        (
            Variable("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "botocore (boto3)"),
            Variable("ANTHROPIC_BEDROCK_BASE_URL", "anthropic (AnthropicBedrock)"),
            Variable("AWS_BEDROCK_RUNTIME_ENDPOINT", "litellm"),
        ),
        # A pair, for botocore sends a bearer key over TLS alone; without either it asks 169.254.169.254 for one.
        (("AWS_ACCESS_KEY_ID", *_AWS_KEYS), ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID", *_AWS_KEYS)),
    ),
    Provider(
        "ollama",
        "http://127.0.0.1:11434",
        (
            Variable("OLLAMA_HOST", "ollama (Python), langchain-ollama"),
            Variable("OLLAMA_API_BASE", "litellm"),
            Variable("OLLAMA_BASE_URL", "pydantic-ai", "/v1"),
        ),
    ),
    Provider(
        "cohere",
        "https://api.cohere.com",
        (Variable("CO_API_URL", "cohere (Python)"), Variable("CO_BASE_URL", "pydantic-ai")),
        (("CO_API_KEY", "COHERE_API_KEY"),),
    ),
    Provider(
        "mistral",
        "https://api.mistral.ai/v1",
        (
            Variable("MISTRAL_BASE_URL", "langchain-mistralai; mistralai reads none, see below"),
            Variable("MISTRAL_API_BASE", "litellm (OCR, audio)"),
            Variable("MISTRAL_AZURE_API_BASE", "litellm (chat, embeddings), for Azure or not"),
        ),
        (("MISTRAL_API_KEY",),),
    ),
    Provider(
        "groq",
        "https://api.groq.com/openai/v1",
        (
            Variable("GROQ_BASE_URL", "groq (Python, Node), pydantic-ai"),
            Variable("GROQ_API_BASE", "langchain-groq, litellm"),
        ),
        (("GROQ_API_KEY",),),
    ),
    Provider(
        "together",
        "https://api.together.ai/v1",
        (Variable("TOGETHER_BASE_URL", "together (Python, Node)"), Variable("TOGETHER_AI_API_BASE", "litellm")),
        (("TOGETHER_API_KEY",),),
    ),
    Provider(
        "fireworks",
        "https://api.fireworks.ai/inference/v1",
        (Variable("FIREWORKS_BASE_URL", "fireworks-ai"), Variable("FIREWORKS_API_BASE", "litellm")),
        (("FIREWORKS_API_KEY",),),
    ),
    Provider(
        "cerebras",
        "https://api.cerebras.ai/v1",
        (Variable("CEREBRAS_BASE_URL", "cerebras-cloud-sdk"), Variable("CEREBRAS_API_BASE", "litellm")),
        (("CEREBRAS_API_KEY",),),
    ),
    Provider(
        "deepseek",
        "https://api.deepseek.com",
        (Variable("DEEPSEEK_API_BASE", "langchain-deepseek, litellm"),),
        (("DEEPSEEK_API_KEY",),),
    ),
    Provider("xai", "https://api.x.ai/v1", (Variable("XAI_API_BASE", "litellm"),), (("XAI_API_KEY",),)),
    Provider(
        "openrouter",
        "https://openrouter.ai/api/v1",
        (Variable("OPENROUTER_API_BASE", "litellm"),),
        (("OPENROUTER_API_KEY",),),
    ),
    Provider(
        "replicate",
        "https://api.replicate.com",
        (Variable("REPLICATE_BASE_URL", "replicate"),),
        (("REPLICATE_API_TOKEN",),),
    ),
    Provider(
        "dashscope",
        "https://dashscope.aliyuncs.com",
        (
            Variable("DASHSCOPE_HTTP_BASE_URL", "dashscope", "/api/v1"),
            Variable("DASHSCOPE_COMPATIBLE_BASE_URL", "dashscope", "/compatible-mode/v1"),
        ),
        (("DASHSCOPE_API_KEY",),),
    ),
    Provider("writer", "https://api.writer.com", (Variable("WRITER_BASE_URL", "writer-sdk"),), (("WRITER_API_KEY",),)),
)
