/** Names that are written with capitals inside, by people who write capitals; elsewhere such a word is a name in code. In small letters. */
export const BRANDS: ReadonlySet<string> = new Set(
  (
    "javascript typescript coffeescript github gitlab bitbucket youtube linkedin whatsapp tiktok facebook paypal ebay iphone ipad ipod imac ios macbook macos airpods icloud itunes facetime powerpoint onedrive " +
    "sharepoint outlook wordpress woocommerce latex matlab numpy scipy pytorch tensorflow openai chatgpt deepseek postgresql mysql mongodb mariadb dynamodb sqlite nosql graphql restful oauth2 devops nodejs " +
    "node.js next.js vue.js react.js vscode intellij pycharm webpack openapi opengl webgl websocket websockets webrtc rabbitmq activemq cloudflare digitalocean virtualbox vmware fedex mastercard " +
    "doordash mcdonalds mcdonald playstation xbox gamecube espn lebron dicaprio imdb hubspot salesforce quickbooks turbotax airbnb easyjet unicef nasa"
  ).split(" "),
);
