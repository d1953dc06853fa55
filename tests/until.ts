/** Waits until something holds. @throws Error when it does not within `seconds` */
export async function until(holds: () => boolean | Promise<boolean>, seconds = 20): Promise<void> {
  const end = performance.now() + seconds * 1000;
  while (!await holds()) {
    if (performance.now() > end) throw new Error(`it took more than ${seconds} s until ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
