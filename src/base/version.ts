/** Which Redis this server speaks like, and which Pedis it is. */
export const REDIS_VERSION = "7.2.4";
export const PEDIS_VERSION = "0.1.0";
