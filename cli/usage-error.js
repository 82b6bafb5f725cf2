/** A command that was given wrongly; the message says what would do. */
export class UsageError extends Error {}
