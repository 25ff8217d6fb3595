// Starts swagger-ui on our own document. The token stays in the page's memory.

const dark = matchMedia('(prefers-color-scheme: dark)')
const follow = () => document.documentElement.classList.toggle('dark-mode', dark.matches)
dark.addEventListener('change', follow)
follow()

globalThis.ui = globalThis.SwaggerUIBundle({
  dom_id: '#swagger-ui',
  url: new URL('openapi.json', document.baseURI).href,
  deepLinking: true,
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  persistAuthorization: false,
  validatorUrl: null, // it would ask a server elsewhere
})
