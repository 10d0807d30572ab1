export { createAddressGuard, type AddressGuard, type AddressOptions } from "./address.ts";
export { createPoster, type PosterOptions } from "./post.ts";
export { ATTEMPTS_MAX, judgeDelivery } from "./schedule.ts";
export { newSecret, signWebhook } from "./signature.ts";
