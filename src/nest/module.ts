/* oxlint-disable typescript/no-extraneous-class -- a module of NestJS is a class */
import type { DynamicModule, FactoryProvider, InjectionToken } from "@nestjs/common";
import { refuse } from "../internal/check.ts";
import type { Redis } from "../redis/index.ts";

/** Token that injects the connection: `@Inject(MARROW) redis: Redis`. */
export const MARROW: unique symbol = Symbol("marrow");

/** Options of {@link MarrowModule.forRoot}: a function that opens a connection, or an open one. */
export type MarrowModuleOptions =
  /** Opens the connection when the application starts. The module closes it when the application shuts down. */
  | { readonly connect: () => Promise<Redis> | Redis; readonly redis?: undefined }
  /** A connection of your own, which the module never closes. */
  | { readonly redis: Redis; readonly connect?: undefined };

/** A handle that an application can inject, such as a cache, a queue or a worker. */
export interface MarrowHandle<T> {
  /** Token under which it is injected. */
  readonly provide: InjectionToken;
  /** Makes the handle from the connection and the providers in `inject`. */
  readonly make: (redis: Redis, ...injected: never[]) => Promise<T> | T;
  /** Other providers that `make` needs. @default none */
  readonly inject?: readonly InjectionToken[] | undefined;
  /** Closes the handle, such as a worker, at shutdown and before the connection closes. @default nothing to close */
  readonly close?: ((handle: T) => unknown) | undefined;
}

/**
 * Marrow as a module of NestJS: `imports: [MarrowModule.forRoot({ connect }), MarrowModule.forHandles(…)]`.
 *
 * Call `app.enableShutdownHooks()`, or close the application, so that workers and the connection close in order.
 */
export class MarrowModule {
  /** Provides {@link MARROW} to the whole application. Import it once. @throws MarrowError `invalid_option` */
  static forRoot(options: MarrowModuleOptions): DynamicModule {
    const { connect, redis } = options;
    if ((connect === undefined) === (redis === undefined)) refuse("options", "either connect or redis", options);
    const connection: FactoryProvider = { provide: MARROW, useFactory: () => connect?.() ?? redis };
    const closing: FactoryProvider = {
      provide: Symbol("marrow closing"),
      inject: [MARROW],
      useFactory: (opened: Redis) => ({
        // Nest calls this after all `beforeApplicationShutdown`, so handles have closed by then.
        onApplicationShutdown: () => (connect === undefined ? undefined : opened.close()),
      }),
    };
    return { module: MarrowModule, global: true, providers: [connection, closing], exports: [MARROW] };
  }

  /** Provides handles to the modules that import this. Needs {@link MarrowModule.forRoot} somewhere in the application. */
  static forHandles<const T extends readonly unknown[]>(
    ...handles: { readonly [At in keyof T]: MarrowHandle<T[At]> }
  ): DynamicModule {
    const given = handles as unknown as readonly MarrowHandle<unknown>[];
    const providers = given.flatMap(({ provide, make, inject = [], close }): FactoryProvider[] => {
      const handle: FactoryProvider = { provide, inject: [MARROW, ...inject], useFactory: make };
      if (close === undefined) return [handle];
      const closing: FactoryProvider = {
        provide: Symbol("marrow handle closing"),
        inject: [provide],
        useFactory: (made: unknown) => ({ beforeApplicationShutdown: () => close(made) }),
      };
      return [handle, closing];
    });
    return { module: MarrowModule, providers, exports: given.map(({ provide }) => provide) };
  }
}
