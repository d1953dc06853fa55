import { testSeeds } from "./many_seeds.ts";

testSeeds(1, 1000);
