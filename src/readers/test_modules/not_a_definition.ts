/** For tests: a module whose default export is no backend. */
export default { identifier: "etiket_sync_agent_half", display_name: "Half" };
