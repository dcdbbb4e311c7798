// SPDX-License-Identifier: Apache-2.0
// One login through mysql2 or mariadb of npm. Usage: node client.mjs NODE_MODULES, the job as JSON on standard input:
// {"client","host","port","user","password","ca"}; without "ca" there is no TLS. Prints {"who"} or {"error"}.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const job = JSON.parse(readFileSync(0, "utf8"));
const load = createRequire(`${process.argv[2]}/`);
const ssl = job.ca ? { ca: readFileSync(job.ca) } : undefined;
const common = { host: job.host, port: job.port, user: job.user, password: job.password, connectTimeout: 10000 };
const question = "SELECT CONCAT(CURRENT_USER(), ' ', @@external_user) AS who";

async function byMysql2() {
  const mysql2 = load("mysql2/promise");
  // It sends a clear-text password only where it is told how: a person who wants tokens does this.
  const authPlugins = { mysql_clear_password: () => () => Buffer.from(`${job.password}\0`) };
  const connection = await mysql2.createConnection({ ...common, ssl, authPlugins });
  const [rows] = await connection.query(question);
  await connection.end();
  return rows[0].who;
}

async function byMariadb() {
  const mariadb = load("mariadb");
  const connection = await mariadb.createConnection({ ...common, ssl });
  const rows = await connection.query(question);
  await connection.end();
  return rows[0].who;
}

try {
  console.log(JSON.stringify({ who: await (job.client === "mysql2" ? byMysql2() : byMariadb()) }));
} catch (error) {
  console.log(JSON.stringify({ error: `${error.errno ?? ""} ${error.code ?? ""} ${error.message}` }));
}
process.exit(0);
