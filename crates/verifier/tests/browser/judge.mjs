// Opens the page in a real browser without a network, gives it each bundle, and prints what it says.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [modules, page, folder] = process.argv.slice(2);
const { chromium } = createRequire(join(modules, "x.cjs"))("playwright-core");
const cases = JSON.parse(readFileSync(join(folder, "cases.json"), "utf8"));
const browser = await chromium.launch({ executablePath: process.env.ROGATORY_CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
const context = await browser.newContext({ offline: true, viewport: { width: 1100, height: 1400 } });
const tab = await context.newPage();
const asked = [], errors = [];
tab.on("request", (request) => { if (!request.url().startsWith("file:")) asked.push(request.url()); });
tab.on("pageerror", (error) => errors.push(String(error)));
tab.on("console", (message) => { if (message.type() === "error") errors.push(message.text()); });
const results = [];
for (const { file, trust, dropped, picture } of cases) {
  await tab.goto(pathToFileURL(page).href);
  await tab.waitForSelector("body[data-ready=yes]");
  await tab.evaluate((trust) => { for (const [id, value] of Object.entries(trust)) document.getElementById(id).value = value; }, trust);
  if (dropped) {
    await tab.evaluate((encoded) => {
      const bytes = Uint8Array.from(atob(encoded), (sign) => sign.charCodeAt(0));
      const data = new DataTransfer();
      data.items.add(new File([bytes], "dropped.zip"));
      document.getElementById("drop").dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
    }, readFileSync(join(folder, file)).toString("base64"));
  } else {
    await tab.setInputFiles("#file", join(folder, file));
  }
  await tab.waitForSelector("body[data-verdict]", { timeout: 60000 });
  results.push(await tab.evaluate(() => ({ verdict: document.body.dataset.verdict, complaints: JSON.parse(document.body.dataset.complaints ?? "[]"),
    checks: Number(document.body.dataset.checks), proven: [...document.querySelectorAll("h2 + ol > li")].map((one) => one.textContent) })));
  if (picture) await tab.screenshot({ path: join(folder, picture), fullPage: true });
}
await browser.close();
console.log(JSON.stringify({ results, asked, errors }));
