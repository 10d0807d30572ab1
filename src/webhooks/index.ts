export { createAddressGuard, type AddressGuard, type AddressOptions } from "./address.ts";
export { createPoster, type Poster, type PosterOptions, type Posted } from "./post.ts";
export { ATTEMPTS_MAX, judgeDelivery, type Verdict } from "./schedule.ts";
export { newSecret, signWebhook } from "./signature.ts";
