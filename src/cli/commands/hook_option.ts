/** `--on-change CMD` of the commands that have it. */
import { systemClock } from "../../session/system_clock.ts";
import type { Reporter } from "../events.ts";
import { ChangeHook } from "../hook/hook.ts";

/** The options of a hook. */
export interface HookOptions {
  readonly onChange: string | undefined;
  readonly onChangeTimeout: number;
}

/** The hook that `options` name, or undefined; its owner closes it. */
export function openHook(
  { onChange, onChangeTimeout }: HookOptions,
  reporter: Reporter,
): ChangeHook | undefined {
  if (onChange === undefined) return undefined;
  return new ChangeHook({
    command: onChange,
    timeoutMs: onChangeTimeout,
    clock: systemClock,
    onOutput: (line) => reporter.report({ kind: "hook-output", line }),
    onFault: (message) => reporter.report({ kind: "warning", message }),
  });
}
