// DuckDB for make bench-reports: reads statements, one a line as a JSON
// string, and answers each with a line of JSON: { ms, rows } or { error }.
import readline from "node:readline";
import { DuckDBInstance } from "@duckdb/node-api";

const [, , file, threads] = process.argv;
const database = await DuckDBInstance.create(file, { threads });
const connection = await database.connect();

for await (const line of readline.createInterface({ input: process.stdin })) {
    let answer;
    try {
        const begin = process.hrtime.bigint();
        const reader = await connection.runAndReadAll(JSON.parse(line));
        const ms = Number(process.hrtime.bigint() - begin) / 1e6;
        answer = { ms, rows: reader.getRowsJson() };
    } catch (error) {
        answer = { error: String(error) };
    }
    process.stdout.write(JSON.stringify(answer) + "\n");
}
connection.closeSync();
