import { testSeeds } from "./many_seeds.ts";

testSeeds(1001, 2000);
