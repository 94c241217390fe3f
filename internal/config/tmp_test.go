package config
import ("testing";"encoding/json";"fmt")
func TestTmp(t *testing.T){ f,err:=Load("/tmp/h/config/w/components.toml",nil); if err!=nil{t.Fatal(err)}; b,_:=json.MarshalIndent(f,""," "); fmt.Println(string(b))}
