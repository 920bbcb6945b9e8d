type Label = keyof typeof WORKER_ADDRESSES;

/** Tells Monaco where its workers lie; it looks for this before it makes the first editor. */
export function provideWorkers(): void {
  Object.assign(globalThis, {
    MonacoEnvironment: {
      getWorker(_id: string, label: string) {
        return new Worker(WORKER_ADDRESSES[isOwn(label) ? label : "editor"], { name: label });
      },
    },
  });
}

function isOwn(label: string): label is Label {
  return Object.hasOwn(WORKER_ADDRESSES, label);
}
