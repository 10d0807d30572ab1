#!/usr/bin/env node
import { runMarrow } from "./run.ts";

process.exitCode = await runMarrow(process.argv.slice(2));
