/** Exactly the same type, `any` and `unknown` told apart. */
export type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** Compiles when `T` is true: `expectType<Same<typeof x, number>>()`. */
export const expectType = <_T extends true>(): void => {}
