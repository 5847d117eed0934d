// aimock itself, with one file of fixtures; run by test_migrating_aimock.py. Ends with its standard input.
import { LLMock } from "@copilotkit/aimock";

const mock = new LLMock({ port: 0, logLevel: "silent" });
mock.loadFixtureFile(process.argv[2]);
await mock.start();
console.log(`serving at ${mock.url}`);
