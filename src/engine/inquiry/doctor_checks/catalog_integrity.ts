import { type Check, fail, noAgent, ok } from "./check.ts";

export const catalogIntegrity: Check = {
  id: "catalog",
  title: "Catalog",
  run(context) {
    if (!context.agent) return noAgent(context);
    const answer = context.agent.catalog.integrity();
    return answer === "ok" ? ok("the catalog is intact") : fail(
      `SQLite says: ${answer}`,
      `Move ${context.agent.home.catalogPath} away; datasets are found again by their ids.`,
    );
  },
};
