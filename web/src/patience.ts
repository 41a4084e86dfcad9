/**
 * In milliseconds; a little longer than the server lets any answer be in the making. What is not answered by then can be
 * tried again.
 */
export const PATIENCE = 35_000;
