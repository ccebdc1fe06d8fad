/** Limits on what the network may claim before it is trusted (server.h, networking.c). */

/** PROTO_INLINE_MAX_SIZE: an inline command, and any length line. */
export const MAX_INLINE_BYTES = 64 * 1024;
/** INT_MAX: arguments of one request. */
export const MAX_REQUEST_ARGUMENTS = 2147483647;
export const MAX_UNAUTHENTICATED_ARGUMENTS = 10;
export const MAX_UNAUTHENTICATED_BULK_BYTES = 16384;
/** A string that a command makes must be one that a request could bring again (INT_MAX). */
export const MAX_STRING_BYTES = 2147483647;
