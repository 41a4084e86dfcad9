//! The few pages that people see. Plain forms, no script, so that a test can fill them in as well.

/// Text made safe for element content and quoted attributes.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

/// Hidden fields that repeat what the page was asked with.
pub fn hidden(fields: &[(String, String)]) -> String {
    fields
        .iter()
        .map(|(name, value)| {
            format!(
                "<input type=\"hidden\" name=\"{}\" value=\"{}\">",
                escape(name),
                escape(value)
            )
        })
        .collect()
}

/// A whole page around a body that is HTML already.
pub fn page(title: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title><link rel=\"icon\" href=\"data:,\"><style>{STYLE}</style></head>\
         <body><main><p class=\"sim\">Simulated Microsoft 365</p><h1>{title}</h1>{body}</main></body></html>",
        title = escape(title)
    )
}

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;background:#eef1f5;color:#1b1b1b;margin:0}\
main{max-width:27rem;margin:4rem auto;background:#fff;padding:2rem;box-shadow:0 2px 8px #0002}\
h1{font-size:1.4rem;margin:.2rem 0 1rem}.sim{color:#8a4b00;font-size:.8rem;margin:0}\
button{display:block;width:100%;text-align:left;padding:.7rem;margin:.3rem 0;border:1px solid #c8ccd0;background:#fff;font:inherit;cursor:pointer}\
button:hover,button:focus{background:#f0f6ff}small{color:#555;display:block}input[type=search]{width:100%;box-sizing:border-box;padding:.6rem;font:inherit}\
.primary,.primary~button{text-align:center}.primary{background:#0067b8;color:#fff}.primary:hover,.primary:focus{background:#00539c}li{font-family:ui-monospace,monospace;font-size:.85rem}";
