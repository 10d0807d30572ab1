import theme from "vitepress/theme-without-fonts";
import "./diagrams.css";

export default theme;
