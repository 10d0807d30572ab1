// Written by `npm run fit:verifier`. Do not edit.
import type { Logistic } from "./logistic.ts";

/** Weights by the embedder that they were fitted for. */
export const WEIGHTS: Readonly<Record<string, Logistic>> = {"static-256":{"intercept":-3.2088,"weights":[3.73364,2.12359,1.34977,0.133453,-1.45719,0,0,0,0,0,0,-0.55406,0,-1.84811,0.653549,1.78126,0.268581,1.54742,1.12104,-1.93652,1.76652,-5.40859,-0.267464,0.0279379,-2.03127,-1.24709,1.84545]},"all-MiniLM-L6-v2":{"intercept":-5.5848,"weights":[4.78532,5.77984,0.272175,0.0400852,-1.01525,0,0,0,0,0,0,-0.247652,0,-1.77699,0.329938,1.7389,0.798708,0.584039,1.19452,-2.89889,3.62181,-4.7009,0.166179,0.169663,-1.94798,-1.20487,1.94159]}};
