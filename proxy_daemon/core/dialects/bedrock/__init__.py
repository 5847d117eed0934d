"""Amazon Bedrock: converse, and invoke in the words of each model's vendor."""
