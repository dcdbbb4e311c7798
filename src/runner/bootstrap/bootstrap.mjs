// SPDX-License-Identifier: Apache-2.0
//
// What runs in an environment of a Node function: loads the handler (CommonJS or ES module), asks
// the Runtime API for events, posts what came of them. Error payloads and log lines are those of
// AWS's runtime interface client. Node's own modules only.
import fs from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import util from "node:util";

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
let requestId;

function call(method, name, headers = {}, body = undefined) {
  return new Promise((resolve, reject) => {
    const bytes = body === undefined ? undefined : Buffer.from(body);
    const request = http.request(
      {
        host, port, method, agent, path: `/2018-06-01/runtime/${name}`,
        headers: bytes === undefined ? headers : { ...headers, "Content-Length": bytes.length },
      },
      (response) => {
        const parts = [];
        response.on("data", (part) => parts.push(part));
        response.on("error", reject);
        response.on("end", () => resolve({
          status: response.statusCode, headers: response.headers, body: Buffer.concat(parts),
        }));
      });
    request.on("error", reject);
    request.end(bytes);
  });
}

class Fault extends Error {
  constructor(kind, message) {
    super(message);
    this.name = kind;
  }
}

function describe(error) {
  if (!(error instanceof Error) && !util.types.isNativeError(error)) {
    return { errorType: typeof error, errorMessage: String(error), trace: [] };
  }
  return { errorType: error.name, errorMessage: error.message,
           trace: String(error.stack).split("\n") };
}

function write(level, text) {
  const line = `${new Date().toISOString()}\t${requestId ?? "undefined"}\t${level}\t${text}`;
  fs.writeSync(1, line.replace(/\n/g, "\r") + "\n");
}

for (const [name, level] of [["log", "INFO"], ["debug", "DEBUG"], ["info", "INFO"],
                             ["warn", "WARN"], ["error", "ERROR"], ["trace", "TRACE"]]) {
  console[name] = (...values) => write(level, util.format(...values));
}

async function postError(name, error) {
  const described = describe(error);
  const kind = /^(Runtime|Function)\./.test(described.errorType)
    ? described.errorType : `Runtime.${described.errorType}`;
  await call("POST", name, { "Content-Type": "application/json",
                             "Lambda-Runtime-Function-Error-Type": kind },
             JSON.stringify(described));
}

async function load(module) {
  const base = path.resolve(process.env.LAMBDA_TASK_ROOT, module);
  const file = [base, `${base}.js`, `${base}.mjs`, `${base}.cjs`].find(
    (name) => fs.existsSync(name) && fs.statSync(name).isFile());
  try {
    if (file !== undefined) {
      const loaded = await import(pathToFileURL(file).href);
      return loaded;
    }
    // Not a file of the function's: a package of a layer.
    const require = createRequire(path.join(process.env.LAMBDA_TASK_ROOT, "x.js"));
    return require(module);
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw new Fault("Runtime.UserCodeSyntaxError", `SyntaxError: ${error.message}`);
    }
    if (error?.code === "MODULE_NOT_FOUND" || error?.code === "ERR_MODULE_NOT_FOUND") {
      throw new Fault("Runtime.ImportModuleError", `Error: ${error.message}`);
    }
    throw error;
  }
}

async function loadHandler(name) {
  const slash = name.lastIndexOf("/") + 1;
  const dot = name.indexOf(".", slash);
  if (dot < 0 || name.includes("..")) {
    throw new Fault("Runtime.MalformedHandlerName", "Bad handler");
  }
  const module = name.slice(0, dot);
  const loaded = await load(module);
  const find = (from) => name.slice(dot + 1).split(".").reduce((at, key) => at?.[key], from);
  const handler = find(loaded) ?? find(loaded.default);
  if (handler === undefined) {
    throw new Fault("Runtime.HandlerNotFound", `${name} is undefined or not exported`);
  }
  if (typeof handler !== "function") {
    throw new Fault("Runtime.HandlerNotFound", `${name} is not a function`);
  }
  return handler;
}

function contextOf(headers) {
  const deadline = Number(headers["lambda-runtime-deadline-ms"]);
  const client = headers["lambda-runtime-client-context"];
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    invokedFunctionArn: headers["lambda-runtime-invoked-function-arn"],
    awsRequestId: headers["lambda-runtime-aws-request-id"],
    clientContext: client ? JSON.parse(client) : undefined,
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
}

// The handler's value, from its promise or its callback. With a callback the answer waits, as on
// AWS, until nothing is left to do, unless the function says that it need not.
function run(handler, event, context) {
  return new Promise((resolve, reject) => {
    let isSettled = false;
    const settle = (how, value) => {
      if (isSettled) return;
      isSettled = true;
      if (!context.callbackWaitsForEmptyEventLoop) {
        how(value);
      } else {
        process.once("beforeExit", () => how(value));
      }
    };
    const callback = (error, value) =>
      error === undefined || error === null ? settle(resolve, value) : settle(reject, error);
    Object.assign(context, { done: callback, succeed: (value) => callback(null, value),
                             fail: (error) => callback(error ?? new Error("handler failed")) });
    let returned;
    try {
      returned = handler(event, context, callback);
    } catch (error) {
      reject(error);
      return;
    }
    if (typeof returned?.then === "function") {
      returned.then(resolve, reject);
    } else if (handler.length < 3 && !isSettled) {
      process.once("beforeExit", () => resolve(returned ?? null));
    }
  });
}

function dieOf(kind, status) {
  return (error) => {
    const fault = new Fault(kind, error instanceof Error ? `${error}` : String(error));
    if (error instanceof Error) fault.stack = error.stack;
    write("ERROR", `${kind}\t${JSON.stringify(describe(fault))}`);
    const done = () => process.exit(status);
    (requestId ? postError(`invocation/${requestId}/error`, fault)
               : postError("init/error", fault)).then(done, done);
  };
}

process.on("uncaughtException", dieOf("Runtime.UncaughtException", 129));
process.on("unhandledRejection", dieOf("Runtime.UnhandledPromiseRejection", 128));

async function serve(handler) {
  for (;;) {
    const next = await call("GET", "invocation/next");
    if (next.status !== 200) process.exit(1);
    requestId = next.headers["lambda-runtime-aws-request-id"];
    if (next.headers["lambda-runtime-trace-id"]) {
      process.env._X_AMZN_TRACE_ID = next.headers["lambda-runtime-trace-id"];
    }
    let body;
    try {
      const value = await run(handler, JSON.parse(next.body.toString()), contextOf(next.headers));
      body = JSON.stringify(value === undefined ? null : value);
      if (body === undefined) body = "null";
    } catch (error) {
      write("ERROR", `Invoke Error \t${JSON.stringify(describe(error))}`);
      await postError(`invocation/${requestId}/error`, error);
      continue;
    }
    // Too long: refused while it is being sent, and noted there.
    await call("POST", `invocation/${requestId}/response`,
               { "Content-Type": "application/json" }, body).catch(() => undefined);
    requestId = undefined;
  }
}

let handler;
try {
  handler = await loadHandler(process.env._HANDLER);
} catch (error) {
  const described = describe(error);
  write("ERROR", `Uncaught Exception \t${JSON.stringify(described)}`);
  await postError("init/error", error);
  process.exit(1);
}
await serve(handler);
