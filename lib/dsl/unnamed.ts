/** Stands for options that a caller without types left out, so that the error is about the name and not about `undefined`. */
export const UNNAMED: any = Object.freeze({})
