/** Waiting for a condition, not for a time. */
export { until } from "../../src/fs/contract/contract_kit.ts";
