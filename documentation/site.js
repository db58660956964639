// Tables that are wider than the screen scroll within a box that the theme puts around them: let a keyboard reach it.
const reach = () => document.querySelectorAll(".md-typeset__scrollwrap:not([tabindex])").forEach(box => { box.tabIndex = 0 })
new MutationObserver(reach).observe(document.body, { childList: true, subtree: true })
reach()
