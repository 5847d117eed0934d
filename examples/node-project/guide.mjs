// A small program on the openai package. It knows nothing of llmproxy: its client reads OPENAI_BASE_URL.

import OpenAI from "openai";

const model = "demo-fast";

// What the model says.
export async function capital(country) {
  const messages = [{ role: "user", content: `What is the capital of ${country}?` }];
  const answer = await new OpenAI().chat.completions.create({ model, messages });
  return answer.choices[0].message.content;
}

// The same, but whatever goes wrong is swallowed, as programs do.
export async function capitalOrNothing(country) {
  return capital(country).catch(() => "");
}

// A story, piece by piece.
export async function* told(topic) {
  const messages = [{ role: "user", content: `Tell me a story about ${topic}.` }];
  for await (const chunk of await new OpenAI().chat.completions.create({ model, messages, stream: true })) {
    if (chunk.choices[0]?.delta.content) yield chunk.choices[0].delta.content;
  }
}
