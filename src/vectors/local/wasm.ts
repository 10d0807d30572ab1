/** WebAssembly memory shared with JavaScript. It grows by pages of 65,536 bytes, and then has another buffer. */
export interface SharedMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

/** The part of WebAssembly that is used. Its types come with the browser types, which this project does not load. */
interface WebAssemblyLike {
  readonly Memory: new (bounds: { readonly initial: number; readonly maximum: number }) => SharedMemory;
  readonly Module: new (code: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
}

/** WebAssembly, which every Node has. */
export const wasm: WebAssemblyLike = (globalThis as unknown as { readonly WebAssembly: WebAssemblyLike }).WebAssembly;
