"""Which members of a request hold what a person or a model wrote, in a form of their own: nothing in them is dropped.

Invariant: a name stands for the same in each API. Called by `walking.py`.
"""

# Members whose value is free in form: schemas, the arguments and the results of tools, and what fills in prompts.
FREE = frozenset(
    (
        "parameters",
        "parametersJsonSchema",
        "parameters_json_schema",
        "schema",
        "input_schema",
        "inputSchema",
        "json_schema",
        "grammar",
        "responseSchema",
        "response_schema",
        "responseJsonSchema",
        "response_json_schema",
        "guided_json",
        "json",
        "input",
        "args",
        "arguments",
        "response",
        "output",
        "outputs",
        "variables",
        "documents",
        "document",
        "data",
        "additionalModelRequestFields",
        "additional_model_request_fields",
    )
)
# The same at the top of a body, where other names of these are the API's own.
FREE_AT_TOP = frozenset(
    (
        "format",
        "grammar",
        "guided_json",
        "responseJsonSchema",
        "response_json_schema",
        "documents",
        "additionalModelRequestFields",
        "additional_model_request_fields",
    )
)
