/**
 * Errors that nobody caught: they reach the process as events, and would end it
 * with a stack trace. As they are the process's, there is one of these.
 */

/** What to do with such an error. */
type StrayHandler = (error: unknown) => void;

/** The last one is in charge. */
const handlers: StrayHandler[] = [];

/** From now on `handler` gets what nobody caught; called once, by `main.ts`. */
export function catchStrayErrors(handler: StrayHandler): void {
  handlers.unshift(handler);
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    handlers.at(-1)?.(event.reason);
  });
  addEventListener("error", (event) => {
    event.preventDefault();
    handlers.at(-1)?.(event.error);
  });
}

/** Until the answer is disposed of, `handler` gets what nobody caught. */
export function handleStrayErrors(handler: StrayHandler): Disposable {
  handlers.push(handler);
  return {
    [Symbol.dispose](): void {
      const at = handlers.lastIndexOf(handler);
      if (at >= 0) handlers.splice(at, 1);
    },
  };
}
