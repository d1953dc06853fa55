/** For tests: loaded before anything else, it ends the process when WebAssembly is compiled. */
const trap = () => Deno.exit(42);
Object.assign(WebAssembly, {
  compile: trap,
  instantiate: trap,
  compileStreaming: trap,
  instantiateStreaming: trap,
});
WebAssembly.Module = class {
  constructor() {
    trap();
  }
} as unknown as typeof WebAssembly.Module;
